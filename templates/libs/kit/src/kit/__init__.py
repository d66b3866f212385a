"""What every service of this system shares; import the modules, not this package."""
