/* Runs code that it writes at run time and names in /tmp/perf-PID.map, as the JDK does: with 0x and blanks in names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
static const unsigned char code[] = {
	0x55, 0x48, 0x89, 0xe5,	      /* push rbp; mov rbp, rsp */
	0xb9, 0x80, 0x96, 0x98, 0x00, /* mov ecx, 10000000 */
	0xff, 0xc9, 0x75, 0xfc,	      /* dec ecx; jnz */
	0x5d, 0xc3,		      /* pop rbp; ret */
};
#elif defined(__aarch64__)
static const unsigned char code[] = {
	0xfd, 0x7b, 0xbf, 0xa9, 0xfd, 0x03, 0x00, 0x91, /* stp x29, x30, [sp, #-16]!; mov x29, sp */
	0x00, 0x13, 0xa0, 0xd2,				/* mov x0, #0x980000 */
	0x00, 0x04, 0x00, 0xf1, 0xe1, 0xff, 0xff, 0x54, /* subs x0, x0, #1; b.ne */
	0xfd, 0x7b, 0xc1, 0xa8, 0xc0, 0x03, 0x5f, 0xd6, /* ldp x29, x30, [sp], #16; ret */
};
#endif

int main(int count, char **arguments)
{
	char path[64];
	void *memory = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(memory, code, sizeof(code));
	__builtin___clear_cache(memory, (char *)memory + sizeof(code));
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	FILE *map = fopen(path, "w");
	fprintf(map, "%p 0x%zx Lorg/example/Hot;::spin (no args)\n", memory, sizeof(code));
	fclose(map);
	time_t end = time(0) + (count > 1 ? atoi(arguments[1]) : 1);
	while (time(0) <= end)
		((void (*)(void))memory)();
	unlink(path);
	return 0;
}
