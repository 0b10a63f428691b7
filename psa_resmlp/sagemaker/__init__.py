"""The study as SageMaker training jobs: start them, fetch and parse their results and logs, sum costs and storage.

Needs the optional extra `sagemaker` (boto3, python-dotenv); docs/sagemaker.md is the guide.
"""
