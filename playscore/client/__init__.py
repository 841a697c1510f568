"""Clients of the three services, for asyncio. docs/clients.md shows every call.

Every call has a deadline; what is safe to repeat is repeated within a budget; failures say what is wrong.

    import asyncio
    from playscore.client import AggregatorClient

    async def main():
        async with AggregatorClient("127.0.0.1:50053") as aggregator:
            async for rating in aggregator.list_ratings("NFL", split="under_pressure AND down = 3", min_plays=5):
                subject, passing = rating.subject, rating.passing
                print(f"{rating.rank:>3}  {subject.subject_name:<24} {passing.rating:.0f}  ({rating.plays} plays)")

    asyncio.run(main())
"""

from playscore.client.aggregator import AggregatorClient, ListedPlay, RatingList
from playscore.client.connection import Connection, Tls
from playscore.client.featurizer import FeaturizerClient, PlayStream
from playscore.client.listings import Listing
from playscore.client.retries import RetryBudget, backoff, pause_after
from playscore.client.score_stream import ScoreStream
from playscore.client.scorer import ScorerClient
from playscore.client.watch import RatingsUpdate, RatingsWatch, rating_key

__all__ = [
    "AggregatorClient",
    "Connection",
    "FeaturizerClient",
    "ListedPlay",
    "Listing",
    "PlayStream",
    "RatingList",
    "RatingsUpdate",
    "RatingsWatch",
    "RetryBudget",
    "ScoreStream",
    "ScorerClient",
    "Tls",
    "backoff",
    "pause_after",
    "rating_key",
]
