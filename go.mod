module mixduck

go 1.26
