"""The site's own background: statistics and thresholds of each description, and their drift.

Read downwards: ``listening`` hears, ``kept`` and ``index`` keep, ``events`` counts what the
detector would raise, ``poisson``, ``tail`` and ``threshold`` tell what can be promised, ``site``
does that for every description, ``drift`` sees whether it still holds, ``verdicts`` what people
say of it.
"""
