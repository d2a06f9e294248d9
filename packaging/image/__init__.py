"""The card image: what is on it, and how it is made without mounting anything.

Built in rooms that know little of one another: `bases` (what is installed), `bootstrap` (a tree of
Debian), `furnish` (sena-pi and its settings laid into it), `kernels` and `initramfs` (the start),
`layout` and `assemble` (partitions and the image), `contents` (what is in it, as a list).
"""
