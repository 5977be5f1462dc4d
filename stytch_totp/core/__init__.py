"""What is true without Django: no clock, no storage, no settings. Everything comes in as an argument."""
