//! DistilBERT: ONNX session and mean token vectors.
