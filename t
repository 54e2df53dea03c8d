bp stop
g
dt origin
dt point
dv
k 2
q
