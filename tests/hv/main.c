/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* The shim from its start to the guest's. */

#include "shim.h"

#define CPUID_SVM	0x4
#define SVM_NPT		0x1

struct gate {
	uint16_t low, selector;
	uint8_t	 ist, type;
	uint16_t middle;
	uint32_t high, zero;
};

static struct gate idt[256];

/* What boot.S has on the stack of an exception. */
struct frame {
	uint64_t vector, error, ip, cs, flags, sp, ss;
};

void	hv_main(void);
void	hv_exception(const struct frame *);

void
hv_exception(const struct frame *f)
{
	uint64_t cr2;

	__asm volatile("movq %%cr2, %0" : "=r" (cr2));
	die("exception %llu in the shim at 0x%llx, error 0x%llx, "
	    "address 0x%llx",
	    (unsigned long long)f->vector, (unsigned long long)f->ip,
	    (unsigned long long)f->error, (unsigned long long)cr2);
}

static void
set_vectors(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idtr = { sizeof(idt) - 1, (uint64_t)idt };
	uint64_t handler = (uint64_t)vectors;
	unsigned int i;

	for (i = 0; i < 256; i++, handler += 16) {
		idt[i].low = handler;
		idt[i].selector = 8;
		idt[i].type = 0x8e;
		idt[i].middle = handler >> 16;
		idt[i].high = handler >> 32;
	}
	__asm volatile("lidt %0" : : "m" (idtr));
}

/* The next word of a line, cut out of it; NULL: there is none. */
static char *
next_word(char **line)
{
	char *word = *line, *end;

	while (*word == ' ')
		word++;
	if (*word == '\0')
		return (NULL);
	for (end = word; *end != '\0' && *end != ' '; end++)
		;
	if (*end != '\0')
		*end++ = '\0';
	*line = end;
	return (word);
}

static bool
parse_options(void)
{
	char *line = boot.cmdline, *word;
	bool posed = false, wait = false;

	while ((word = next_word(&line)) != NULL) {
		if (hv_prefix(word, "pose=")) {
			if (!hv_pose(word + 5))
				die("%s: no such pose", word);
			posed = true;
		} else if (strcmp(word, "wait") == 0)
			wait = true;
		else if (!control_option(word))
			die("%s: no such option, or no such value", word);
	}
	if (!posed)
		die("pose= is missing");
	return (wait);
}

static void
check_processor(void)
{
	struct hv_leaf r;

	if ((cpu_features & CPUID_SVM) == 0)
		die("this processor has no SVM: -cpu max or qemu64,+svm,+npt");
	cpuid(0x8000000a, 0, &r);
	if ((r.dx & SVM_NPT) == 0)
		die("this processor has no nested paging: +npt");
	cpuid(1, 0, &r);
	if ((r.bx >> 16 & 0xff) > 1)
		die("more than one processor: -smp 1");
}

void
hv_main(void)
{
	bool wait;

	set_vectors();
	uart_init();
	read_multiboot();
	wait = parse_options();
	check_processor();
	relocate();
	set_vectors();
	mem_init();
	clock_init();
	load_guest();
	svm_init();
	hv_event("hello");
	if (wait)
		control_wait();
	svm_run();
}
