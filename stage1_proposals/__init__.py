"""Stage 1: a 3D network that proposes candidates, missing as few particles as it can."""

import os

# A window's feature maps are hundreds of megabytes, new for every layer: in pages of 4 kB the
# kernel spends as long on handing them out as the network on filling them. torch reads this when
# it is imported; where there are no larger pages it changes nothing.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
