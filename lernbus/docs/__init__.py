"""What is written about the interfaces, generated from the code: `make docs`."""
