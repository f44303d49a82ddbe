"""The YOLO layer on torch's tensors, where the network left them; as ``yolo_parts.yolo_layer``. Needs torch."""

from __future__ import annotations

from typing import Sequence

import torch

from tasks.detection import CLASSES, Head

Tensor = torch.Tensor


def yolo_layer(outputs: Sequence[Tensor], heads: Sequence[Head]) -> Tensor:
    """Every cell of the raw heads of one image decoded: [boxes, 5 + classes], in the type and place of the outputs."""
    decoded_heads = []
    for output, head in zip(outputs, heads):
        rows, columns = output.shape[2:]
        raw = output.reshape(len(head.anchors), 5 + CLASSES, rows, columns)
        probabilities = torch.sigmoid(raw)
        made = {"device": output.device, "dtype": output.dtype}
        across = torch.arange(columns, **made).expand(rows, columns)
        down = torch.arange(rows, **made)[:, None].expand(rows, columns)
        centres = (probabilities[:, :2] + torch.stack([across, down])) * head.stride
        sizes = torch.exp(raw[:, 2:4]) * torch.tensor(head.anchors, **made)[:, :, None, None]
        decoded = torch.cat([centres, sizes, probabilities[:, 4:]], dim=1)
        decoded_heads.append(decoded.permute(0, 2, 3, 1).reshape(-1, 5 + CLASSES))
    return torch.cat(decoded_heads)
