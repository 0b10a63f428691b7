"""The study as SageMaker training jobs: start them, and fetch, parse, price and size what they left.

The optional extra `sagemaker` (boto3, python-dotenv) brings what this needs; docs/sagemaker.md is the guide.
"""
