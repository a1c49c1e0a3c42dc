//! The sysctl catalogue: what is known of each key before any kernel is asked.
