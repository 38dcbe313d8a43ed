"""What users and our own packages test with; nothing here is imported by the rest of the library.

`builders` make bars and changes, `memory_store` is a store in memory, `synthetic_market` a vendor
that invents prices; `source_contract`, `store_contract` and `provider_contract` are classes of
tests to inherit; `acceptance` is a pytest plugin. The contracts and the plugin need pytest (extra
`testing`).
"""
