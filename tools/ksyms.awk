# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers
#
# Make the table of function names from the output of nm -n.

BEGIN {
	n = 0
}

$2 ~ /^[tT]$/ && $3 !~ /^\./ {
	if (addr[n - 1] == $1)
		next
	addr[n] = $1
	name[n] = $3
	n++
}

END {
	print "#include <sys/ksyms.h>\n"
	print "const unsigned ksym_count = " n + 0 ";"
	print "const struct ksym ksym_table[] = {"
	off = 0
	for (i = 0; i < n; i++) {
		printf "\t{ 0x%sUL, %d },\n", addr[i], off
		off += length(name[i]) + 1
	}
	print "\t{ 0, 0 }\n};"
	print "const char ksym_names[] ="
	for (i = 0; i < n; i++)
		printf "\t\"%s\\0\"\n", name[i]
	print "\t\"\";"
}
