# TensorFlow Serving with the generators of saved_models/; build from the repository's root:
#   docker build -f docker/serving.Dockerfile -t ggngan-serving .
FROM tensorflow/serving:2.19.0
COPY saved_models/ggn_generator /models/ggn_generator
ENV MODEL_NAME=ggn_generator
# 8500: gRPC, 8501: REST
EXPOSE 8500 8501
