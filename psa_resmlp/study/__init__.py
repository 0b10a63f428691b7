"""What is studied: architectures, modes, images, and the files that name them."""
