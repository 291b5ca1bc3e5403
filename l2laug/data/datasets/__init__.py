"""Whole data sets as people keep them: class folders, splits, tables, COCO, YOLO, VOC, MVTec."""
