/* The headers ask for it; the library that it speaks of is not there. */
