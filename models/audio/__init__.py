"""Sound as models hear it: log-mel frames on a fixed clock, levelled, streamed in pieces of any size."""
