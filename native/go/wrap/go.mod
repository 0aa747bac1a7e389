module dlserve/wrap

go 1.18
