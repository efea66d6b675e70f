//! Author similarity from follower sets.
