"""Declares torchvision's compiled operators where the library cannot load them, so that it can be imported.

PyPI's torchvision is built for CUDA, and beside a CPU build of torch its operators do not load. Transforms, data sets
and networks do not use them; only their declarations are missing.
"""

import torch

_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align(Tensor input, Tensor rois, float scale, int height, int width, int ratio, bool aligned) -> Tensor",
    "_roi_align_backward(Tensor grad, Tensor rois, float scale, SymInt height, SymInt width, SymInt batch, "
    "SymInt channels, SymInt input_height, SymInt input_width, int ratio, bool aligned) -> Tensor",
    "ps_roi_align(Tensor input, Tensor rois, float scale, SymInt height, SymInt width, int ratio) -> (Tensor, Tensor)",
    "_ps_roi_align_backward(Tensor grad, Tensor rois, Tensor mapping, float scale, SymInt height, SymInt width, "
    "int ratio, SymInt batch, SymInt channels, SymInt input_height, SymInt input_width) -> Tensor",
    "roi_pool(Tensor input, Tensor rois, float scale, SymInt height, SymInt width) -> (Tensor, Tensor)",
    "_roi_pool_backward(Tensor grad, Tensor rois, Tensor argmax, float scale, SymInt height, SymInt width, "
    "SymInt batch, SymInt channels, SymInt input_height, SymInt input_width) -> Tensor",
    "ps_roi_pool(Tensor input, Tensor rois, float scale, SymInt height, SymInt width) -> (Tensor, Tensor)",
    "_ps_roi_pool_backward(Tensor grad, Tensor rois, Tensor mapping, float scale, SymInt height, SymInt width, "
    "SymInt batch, SymInt channels, SymInt input_height, SymInt input_width) -> Tensor",
    "deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, SymInt a, SymInt b, SymInt c, "
    "SymInt d, SymInt e, SymInt f, SymInt groups, SymInt offsets, bool use_mask) -> Tensor",
    "_deform_conv2d_backward(Tensor grad, Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, "
    "SymInt a, SymInt b, SymInt c, SymInt d, SymInt e, SymInt f, SymInt groups, SymInt offsets, bool use_mask) -> "
    "(Tensor, Tensor, Tensor, Tensor, Tensor)",
)

try:
    import torchvision  # noqa: F401
except RuntimeError as error:
    if "torchvision::nms does not exist" not in str(error):
        raise
    LIBRARY = torch.library.Library("torchvision", "DEF")
    for operator in _OPERATORS:
        LIBRARY.define(operator)
