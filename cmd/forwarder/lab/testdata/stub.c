// Asks glibc's resolver, as any program does, for the addresses of each name that a line
// of its input has, and writes the first, or "-" and why there is none.
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	char name[1025], text[INET6_ADDRSTRLEN];
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;

	while (fgets(name, sizeof name, stdin)) {
		name[strcspn(name, "\n")] = 0;
		int failed = getaddrinfo(name, NULL, &hints, &found);
		if (failed) {
			printf("- %s\n", gai_strerror(failed));
		} else {
			void *address = found->ai_family == AF_INET6
				? (void *)&((struct sockaddr_in6 *)found->ai_addr)->sin6_addr
				: (void *)&((struct sockaddr_in *)found->ai_addr)->sin_addr;
			puts(inet_ntop(found->ai_family, address, text, sizeof text));
			freeaddrinfo(found);
		}
		fflush(stdout);
	}
	return 0;
}
