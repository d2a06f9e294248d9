"""One vendor library a module, each behind a Protocol of `sena_pi.stages`."""
