"""The one interface of every streaming model: weights in the module, sessions in a batched state."""
