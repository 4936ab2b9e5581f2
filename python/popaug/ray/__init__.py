"""The same search on a Ray cluster: Ray executes, the journal decides. Needs `pip install popaug[ray]`.

    popaug.ray.search(train_round, space="pba", population=16, epochs=30, out="/shared/my-run")
    python -m popaug.ray search my-search.toml --out /shared/my-run --address auto

The driver (this process, on a node of the cluster) holds the state machine and the run directory; slot actors train
members one after the other. Ray's own retries and restarts are off: a lost slot's work is given out again here, with a
deadline for every wait. The result is the same bytes as a local run's.
"""

from popaug.ray._driver import Deadlines, search
from popaug.ray._tune import Explore, policy_of, start_config

__all__ = ["Deadlines", "Explore", "policy_of", "search", "start_config"]
