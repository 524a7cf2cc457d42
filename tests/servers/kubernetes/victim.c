// What runs in the test's container: waits, and suffers on demand. Statically linked, so that it needs no image.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Takes memory until the kernel kills it.
static int starve(void)
{
	for (;;) {
		char *page = malloc(1 << 20);
		if (!page)
			return 1;
		memset(page, 1, 1 << 20);
	}
}

// Receives nothing of what it sends to itself, until the socket's buffer overflows.
static int overflow(int packets)
{
	struct sockaddr_in self = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(self);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), small = 4096;
	char packet[1000] = "";

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (bind(fd, (void *)&self, length) || getsockname(fd, (void *)&self, &length))
		return 1;
	for (int i = 0; i < packets; i++)
		sendto(fd, packet, sizeof(packet), 0, (void *)&self, length);
	printf("%d\n", ntohs(self.sin_port));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "starve"))
		return starve();
	if (argc > 2 && !strcmp(argv[1], "overflow"))
		return overflow(atoi(argv[2]));
	for (;;)
		pause();
}
