/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef CRUNCH_PAGER_H
#define CRUNCH_PAGER_H

/*
 * Show a text, which ends with a NUL: screen by screen if standard output is a
 * terminal and there are keys to be had, else all of it.  What is overstruck
 * becomes bold or underlined there, and plain elsewhere.
 */
void	page_text(const char *text);

#endif /* CRUNCH_PAGER_H */
