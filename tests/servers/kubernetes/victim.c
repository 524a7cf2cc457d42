// What runs in the test's container: waits, and suffers on demand. Statically linked, so that it needs no image.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
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

// A server on loopback, on a free port.
static int listening(struct sockaddr_in *self)
{
	socklen_t length = sizeof(*self);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*self = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (bind(fd, (void *)self, length) || listen(fd, 16) || getsockname(fd, (void *)self, &length))
		return -1;
	return fd;
}

// Reads what it sent to itself only after so many milliseconds.
static int dawdle(int milliseconds)
{
	struct sockaddr_in self;
	char packet[100] = "";
	int server = listening(&self), client = socket(AF_INET, SOCK_STREAM, 0);

	if (server < 0 || connect(client, (void *)&self, sizeof(self)))
		return 1;
	int accepted = accept(server, 0, 0);
	if (write(client, packet, sizeof(packet)) < 0)
		return 1;
	usleep(milliseconds * 1000);
	return read(accepted, packet, sizeof(packet)) <= 0;
}

// Answers every request after 20 ms, one connection after the other; says its port first.
static int serve(void)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
	struct sockaddr_in self;
	char request[4096];
	int server = listening(&self);

	printf("%d\n", ntohs(self.sin_port));
	fflush(stdout);
	for (;;) {
		int client = accept(server, 0, 0);
		if (client < 0)
			return 1;
		if (read(client, request, sizeof(request)) > 0) {
			usleep(20000);
			if (write(client, answer, sizeof(answer) - 1) < 0)
				return 1;
		}
		close(client);
	}
}

// Burns CPU under a name of its own.
__attribute__((noinline)) static int burn_in_container(int seconds)
{
	volatile unsigned long work = 0;

	for (clock_t end = clock() + seconds * CLOCKS_PER_SEC; clock() < end;)
		for (int i = 0; i < 1000000; i++)
			work += i;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "starve"))
		return starve();
	if (argc > 2 && !strcmp(argv[1], "overflow"))
		return overflow(atoi(argv[2]));
	if (argc > 2 && !strcmp(argv[1], "dawdle"))
		return dawdle(atoi(argv[2]));
	if (argc > 1 && !strcmp(argv[1], "serve"))
		return serve();
	if (argc > 2 && !strcmp(argv[1], "burn"))
		return burn_in_container(atoi(argv[2]));
	for (;;)
		pause();
}
