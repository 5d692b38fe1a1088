"""Pretraining: a corpus as shards of tokens, masked-language modelling, replaced-token detection."""
