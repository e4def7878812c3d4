"""What tests of code over a pool need: real servers, faults on the wire."""
