"""What a month of alerts and answers comes to: ``kikimimi report``.

Read downwards: ``cases`` reads the store, ``intervals`` says how sure a count is, ``tallies``,
``confusion``, ``delays`` and ``people`` count, ``advice`` and ``thresholds`` suggest, ``roi``
reckons, ``summary`` puts it together; ``charts``, ``words`` and ``page`` make the page of it,
``browser`` a PDF.
"""
