"""What replays of numerical fixtures share: how a folder is read, weights are drawn and outputs judged."""
