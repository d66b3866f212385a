"""The smallest service that uses every part of the kit."""
