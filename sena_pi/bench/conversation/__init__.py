"""The conversation benchmark: ten spoken questions through the whole appliance, in several ways.

Read `script` (what is asked and answered) and `profiles` (how fast a cloud is) first. `loopback`
is that cloud, `questions` makes the recordings. `ways` are the assistants that are asked: the
appliance, and the prototype's way (`one_by_one`). `drive` asks and keeps what came of it in
`results`; `figures` counts, `advice` concludes, and `report`, `page` and `plots` show it.
"""
