"""What a hierarchy is: limits, names, tags, ARNs and the properties of the custom resources.

Pure Python without I/O. The constructs import it too, so that synth and the function accept the
same values.
"""
