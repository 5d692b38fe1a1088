"""Files in, batches out: readers, examples, encoding and batching."""
