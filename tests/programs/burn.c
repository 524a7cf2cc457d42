/*
 * burn SECONDS [NAME]: burns so much CPU time in two functions, 70 to 30 by their loops, and says at the end how much it
 * really spent in each; with a name it calls its thread so. A round is much longer than the time between two samples: in
 * step with it samples would all fall on one function.
 */
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

static volatile unsigned long sink;

__attribute__((noinline)) void burn_seventy(void)
{
	for (unsigned long i = 0; i < 7000000; i++)
		sink += i;
}

__attribute__((noinline)) void burn_thirty(void)
{
	for (unsigned long i = 0; i < 3000000; i++)
		sink += i;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

int main(int count, char **arguments)
{
	double wanted = count > 1 ? atof(arguments[1]) : 1;
	double spent[2] = {0, 0};

	if (count > 2)
		prctl(PR_SET_NAME, arguments[2]);
	while (spent[0] + spent[1] < wanted) {
		double start = seconds();
		burn_seventy();
		double between = seconds();
		burn_thirty();
		spent[0] += between - start;
		spent[1] += seconds() - between;
	}
	printf("%f %f\n", spent[0], spent[1]);
	return 0;
}
