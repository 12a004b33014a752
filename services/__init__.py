"""The services of Dramatis: each turns one kind of message into the next, over shared ports."""
