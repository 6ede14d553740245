"""Stage 1: a 3D network that proposes candidates, missing as few particles as it can."""

import os

# A window's feature maps are hundreds of megabytes, new for every layer: in pages of 4 kB the
# kernel takes a fifth of the time to hand them out. torch reads this when it first allocates; where
# there are no larger pages it changes nothing.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
