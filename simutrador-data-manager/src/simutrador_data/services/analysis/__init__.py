"""How complete and how believable stored bars are: reports over the gap ledger and over prices."""
