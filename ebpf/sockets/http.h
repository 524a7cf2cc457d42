/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* HTTP/1.x by its first bytes, and the first bytes for the reader, which does the parsing. */
#pragma once

#include "connection.h"

/* A piece of a message is appended up to half the room, so that offset and length have bounds the verifier sees. */
#define KEEP_BOUND(value, mask) asm volatile("%0 &= " #mask : "+r"(value))

/* The first four bytes as this machine reads them. */
#define WORD(a, b, c, d) ((u32)(a) | (u32)(b) << 8 | (u32)(c) << 16 | (u32)(d) << 24)

/* Methods of RFC 9110, PATCH, and those of WebDAV and caches; the reader looks closer. */
static __always_inline bool is_request(u32 word)
{
	switch (word) {
	case WORD('G', 'E', 'T', ' '):
	case WORD('P', 'O', 'S', 'T'):
	case WORD('P', 'U', 'T', ' '):
	case WORD('H', 'E', 'A', 'D'):
	case WORD('D', 'E', 'L', 'E'):
	case WORD('O', 'P', 'T', 'I'):
	case WORD('P', 'A', 'T', 'C'):
	case WORD('C', 'O', 'N', 'N'):
	case WORD('T', 'R', 'A', 'C'):
	case WORD('Q', 'U', 'E', 'R'):
	case WORD('P', 'R', 'O', 'P'):
	case WORD('M', 'K', 'C', 'O'):
	case WORD('R', 'E', 'P', 'O'):
	case WORD('S', 'E', 'A', 'R'):
	case WORD('P', 'U', 'R', 'G'):
		return true;
	}
	return false;
}

static __always_inline bool is_response(u32 word)
{
	return word == WORD('H', 'T', 'T', 'P');
}

/* What the first bytes of a message say. */
enum beginning {
	BEGINS_UNSEEN, /* they cannot be read */
	BEGINS_OTHER,
	BEGINS_REQUEST,
	BEGINS_RESPONSE,
};

static __always_inline enum beginning beginning_of(const struct payload *payload)
{
	u32 word = 0;

	if (payload->bytes < sizeof(word)) {
		/* Somebody who writes byte by byte: `G`, `GE`, `GET`. */
		u8 first = 0;

		if (!payload->bytes || bpf_probe_read_user(&first, 1, (void *)payload->base))
			return BEGINS_UNSEEN;
		return first >= 'A' && first <= 'Z' ? BEGINS_REQUEST : BEGINS_OTHER;
	}
	if (bpf_probe_read_user(&word, sizeof(word), (void *)payload->base))
		return BEGINS_UNSEEN;
	if (is_request(word))
		return BEGINS_REQUEST;
	return is_response(word) ? BEGINS_RESPONSE : BEGINS_OTHER;
}

static __always_inline void append_request(struct http_exchange *http, u64 base, u64 bytes)
{
	u64 at = http->request_captured, take = bytes;

	if (at >= REQUEST_BYTES / 2)
		return;
	if (at && take > REQUEST_BYTES / 2)
		take = REQUEST_BYTES / 2;
	if (take > REQUEST_BYTES)
		take = REQUEST_BYTES;
	if (!at) {
		if (!bpf_probe_read_user(http->request, take, (void *)base))
			http->request_captured = take;
		return;
	}
	KEEP_BOUND(at, 511);
	if (take == REQUEST_BYTES / 2)
		take--;
	KEEP_BOUND(take, 511);
	if (!bpf_probe_read_user(http->request + at, take, (void *)base))
		http->request_captured = at + take;
}

static __always_inline void append_response(struct http_exchange *http, u64 base, u64 bytes)
{
	u64 at = http->response_captured, take = bytes;

	if (at >= RESPONSE_BYTES / 2)
		return;
	if (!at) {
		if (take > RESPONSE_BYTES)
			take = RESPONSE_BYTES;
		if (!bpf_probe_read_user(http->response, take, (void *)base))
			http->response_captured = take;
		return;
	}
	if (take >= RESPONSE_BYTES / 2)
		take = RESPONSE_BYTES / 2 - 1;
	KEEP_BOUND(at, 255);
	KEEP_BOUND(take, 255);
	if (!bpf_probe_read_user(http->response + at, take, (void *)base))
		http->response_captured = at + take;
}

/* A vector's further pieces, as many as a head has. */
#define PIECES 4

static __always_inline bool next_piece(struct payload *payload, u64 *left, u32 piece)
{
	struct user_iovec vector;

	if (piece >= payload->iovs || !*left)
		return false;
	if (bpf_probe_read_user(&vector, sizeof(vector), (void *)(payload->iov + piece * sizeof(vector))))
		return false;
	payload->base = vector.base;
	payload->bytes = vector.bytes < *left ? vector.bytes : *left;
	*left -= payload->bytes;
	return true;
}

static __always_inline void capture_request(struct http_exchange *http, struct payload payload)
{
	u64 left = payload.moved - payload.bytes;

	append_request(http, payload.base, payload.bytes);
	for (u32 piece = 1; piece < PIECES && next_piece(&payload, &left, piece); piece++)
		append_request(http, payload.base, payload.bytes);
}

static __always_inline void capture_response(struct http_exchange *http, struct payload payload)
{
	u64 left = payload.moved - payload.bytes;

	append_response(http, payload.base, payload.bytes);
	for (u32 piece = 1; piece < PIECES && next_piece(&payload, &left, piece); piece++)
		append_response(http, payload.base, payload.bytes);
}

static __always_inline void note_status(struct http_exchange *http, const u8 *line, u64 now, u64 before)
{
	u64 at = http->heads_seen;

	if (at >= HEADS)
		return;
	KEEP_BOUND(at, 7);
	http->heads[at].ns = now;
	http->heads[at].at = before;
	http->heads[at].status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
	http->heads_seen = at + 1;
}

#define STATUS_LINE 12

static __always_inline void note_head(struct http_exchange *http, const struct payload *payload, u64 now, u64 before)
{
	u8 line[STATUS_LINE];

	if (payload->bytes < sizeof(line) || beginning_of(payload) != BEGINS_RESPONSE)
		return;
	if (!bpf_probe_read_user(line, sizeof(line), (void *)payload->base))
		note_status(http, line, now, before);
}

/* A chunked response ends with an empty chunk: the reader wants to see the last bytes. */
static __always_inline void note_tail(struct exchange *exchange, struct payload *payload)
{
	u64 tail = exchange->response_tail, last = 0;
	struct user_iovec vector;

	if (payload->iovs > 1 && payload->bytes < payload->moved) {
		u64 end = payload->iov + (payload->iovs - 1) * sizeof(vector);

		if (bpf_probe_read_user(&vector, sizeof(vector), (void *)end))
			return;
		payload->base = vector.base;
		payload->bytes = vector.bytes;
	}
	u64 bytes = payload->bytes;
	if (bytes >= sizeof(last)) {
		bpf_probe_read_user(&last, sizeof(last), (void *)(payload->base + bytes - sizeof(last)));
		exchange->response_tail = last;
		return;
	}
	KEEP_BOUND(bytes, 7);
	if (!bytes || bpf_probe_read_user(&last, bytes, (void *)payload->base))
		return;
	exchange->response_tail = tail >> (bytes * 8) | last << (64 - bytes * 8);
}

/* The first piece of a response: copied once, and looked at in the copy. */
static __always_inline void see_first(struct http_exchange *http, struct exchange *exchange, struct payload *payload,
				      u64 now)
{
	capture_response(http, *payload);
	u64 captured = http->response_captured;
	if (captured >= STATUS_LINE && is_response(*(u32 *)http->response))
		note_status(http, http->response, now, 0);
	if (captured != payload->moved || captured < sizeof(u64)) {
		note_tail(exchange, payload);
		return;
	}
	captured -= sizeof(u64);
	KEEP_BOUND(captured, 511);
	__builtin_memcpy(&exchange->response_tail, http->response + captured, sizeof(u64));
}

static __always_inline void see_more(struct http_exchange *http, struct exchange *exchange, struct payload *payload,
				     u64 now)
{
	note_head(http, payload, now, exchange->response_bytes);
	capture_response(http, *payload);
	note_tail(exchange, payload);
}
