"""What the tasks need around a network: its input from a photograph, and the answer from its raw outputs.

Detection, classification, segmentation and pose estimation, in numpy; ``ssd_tensors`` has SSD's parts in torch.
"""
