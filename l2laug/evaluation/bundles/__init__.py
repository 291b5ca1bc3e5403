"""What a bundle does on classes that it held out, and which one fits a set of images."""
