//! Values out of their bounds, and names that do not exist.
