module example.com/go-module

go 1.21

require example.com/greeting v0.0.0

// A dependency is usually fetched. This one lies beside it, so that the example compiles offline.
replace example.com/greeting => ./greeting
