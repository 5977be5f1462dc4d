"""The wire: Stytch's names, types and envelopes. Each view parses, calls one operation and renders."""
