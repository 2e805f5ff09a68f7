#include "abi.h"
#include "mappings.h"

/* Secrets used in place: the key stays in its slot, results of it that are secret go into
 * slots of their own. */

sprint_status sprint_buffer_seal(sprint_buffer buffer) {
    ENTER();
    struct sprint_slot *slot;
    sprint_status status = sprint_pin_secret(buffer, &slot);
    if (status != SPRINT_OK)
        return status;
    if (!sprint_mappings_room(slot->secret.len)) /* the sealed form is on Go's heap */
        return sprint_done(slot, sprint_fail(SPRINT_E_NOMEM, "sprint: buffer: " NO_ROOM));
    return sprint_done(slot, sprintgo_buffer_seal(slot->index));
}

sprint_status sprint_buffer_expire_after(sprint_buffer buffer, int64_t ttl_ms) {
    ENTER();
    REQUIRE(ttl_ms > 0, "buffer expire_after: ttl_ms is not above 0");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin_secret(buffer, &slot);
    if (status != SPRINT_OK)
        return status;
    return sprint_done(slot, sprintgo_buffer_expire_after(slot->index, ttl_ms));
}

sprint_status sprint_buffer_hmac(sprint_buffer key, int32_t hash, const void *msg, size_t len,
                                 void *mac, size_t cap, size_t *n) {
    ENTER();
    REQUIRE(msg || len == 0, "hmac: msg is NULL and len is not 0");
    REQUIRE(mac || cap == 0, "hmac: mac is NULL and cap is not 0");
    REQUIRE(len <= PTRDIFF_MAX && cap <= PTRDIFF_MAX,
            "hmac: len or cap is larger than an object can be");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin_secret(key, &slot);
    if (status != SPRINT_OK)
        return status;
    size_t size = 0;
    status = sprintgo_buffer_hmac(slot->index, hash, (void *)msg, len, mac, cap, &size);
    if (n && (status == SPRINT_OK || status == SPRINT_E_RANGE))
        *n = size;
    return sprint_done(slot, status);
}

sprint_status sprint_buffer_public_ed25519(sprint_buffer seed, uint8_t key[32]) {
    ENTER();
    REQUIRE(key, "public_ed25519: key is NULL");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin_secret(seed, &slot);
    if (status != SPRINT_OK)
        return status;
    return sprint_done(slot, sprintgo_buffer_public_ed25519(slot->index, key));
}

sprint_status sprint_buffer_sign_ed25519(sprint_buffer seed, const void *msg, size_t len,
                                         uint8_t signature[64]) {
    ENTER();
    REQUIRE(msg || len == 0, "sign_ed25519: msg is NULL and len is not 0");
    REQUIRE(len <= PTRDIFF_MAX, "sign_ed25519: len is larger than an object can be");
    REQUIRE(signature, "sign_ed25519: signature is NULL");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin_secret(seed, &slot);
    if (status != SPRINT_OK)
        return status;
    return sprint_done(slot,
                       sprintgo_buffer_sign_ed25519(slot->index, (void *)msg, len, signature));
}

sprint_status sprint_buffer_encrypt(sprint_buffer key, const void *aad, size_t aad_len,
                                    const void *plain, size_t len, void *out, size_t cap,
                                    size_t *n) {
    ENTER();
    REQUIRE(aad || aad_len == 0, "encrypt: aad is NULL and aad_len is not 0");
    REQUIRE(plain || len == 0, "encrypt: plain is NULL and len is not 0");
    REQUIRE(out || cap == 0, "encrypt: out is NULL and cap is not 0");
    REQUIRE(aad_len <= PTRDIFF_MAX && len <= PTRDIFF_MAX - 64 && cap <= PTRDIFF_MAX,
            "encrypt: a length is larger than an object can be");
    struct sprint_slot *slot;
    sprint_status status = sprint_pin_secret(key, &slot);
    if (status != SPRINT_OK)
        return status;
    size_t size = 0;
    status = sprintgo_buffer_encrypt(slot->index, (void *)aad, aad_len, (void *)plain, len, out,
                                     cap, &size);
    if (n && (status == SPRINT_OK || status == SPRINT_E_RANGE))
        *n = size;
    return sprint_done(slot, status);
}

/* Start a function that makes a buffer of another one: pin key, get a slot for the new. */
static sprint_status begin(sprint_buffer key, sprint_buffer *out, struct sprint_slot **from,
                           struct sprint_slot **to) {
    *out = 0;
    sprint_status status = sprint_pin_secret(key, from);
    if (status != SPRINT_OK)
        return status;
    *to = sprint_slot_new(SPRINT_KIND_BUFFER);
    if (*to)
        return SPRINT_OK;
    return sprint_done(*from,
                       sprint_fail(SPRINT_E_NOMEM, "sprint: buffer: no memory for a handle"));
}

/* End it. */
static sprint_status end(struct sprint_slot *from, struct sprint_slot *to, size_t len,
                         sprint_status status, sprint_buffer *out) {
    to->secret.len = len;
    return sprint_done(from, sprint_publish(to, status, out));
}

sprint_status sprint_buffer_decrypt(sprint_buffer key, const void *aad, size_t aad_len,
                                    const void *sealed, size_t len, uint32_t flags,
                                    sprint_buffer *out) {
    ENTER();
    REQUIRE(out, "decrypt: out is NULL");
    REQUIRE(aad || aad_len == 0, "decrypt: aad is NULL and aad_len is not 0");
    REQUIRE(sealed || len == 0, "decrypt: sealed is NULL and len is not 0");
    REQUIRE(aad_len <= PTRDIFF_MAX && len <= PTRDIFF_MAX,
            "decrypt: a length is larger than an object can be");
    struct sprint_slot *from, *to;
    sprint_status status = begin(key, out, &from, &to);
    if (status != SPRINT_OK)
        return status;
    size_t size = 0;
    status = sprintgo_buffer_decrypt(to->index, from->index, (void *)aad, aad_len, (void *)sealed,
                                     len, flags, &size);
    return end(from, to, size, status, out);
}

sprint_status sprint_buffer_hkdf(sprint_buffer key, int32_t hash, const void *salt, size_t salt_len,
                                 const void *info, size_t info_len, size_t out_len, uint32_t flags,
                                 sprint_buffer *out) {
    ENTER();
    REQUIRE(out, "hkdf: out is NULL");
    REQUIRE(salt || salt_len == 0, "hkdf: salt is NULL and salt_len is not 0");
    REQUIRE(info || info_len == 0, "hkdf: info is NULL and info_len is not 0");
    REQUIRE(salt_len <= PTRDIFF_MAX && info_len <= PTRDIFF_MAX && out_len <= PTRDIFF_MAX,
            "hkdf: a length is larger than an object can be");
    struct sprint_slot *from, *to;
    sprint_status status = begin(key, out, &from, &to);
    if (status != SPRINT_OK)
        return status;
    status = sprintgo_buffer_hkdf(to->index, from->index, hash, (void *)salt, salt_len,
                                  (void *)info, info_len, out_len, flags);
    return end(from, to, out_len, status, out);
}

sprint_status sprint_buffer_pbkdf2(sprint_buffer password, int32_t hash, const void *salt,
                                   size_t salt_len, uint32_t iterations, size_t out_len,
                                   uint32_t flags, sprint_buffer *out) {
    ENTER();
    REQUIRE(out, "pbkdf2: out is NULL");
    REQUIRE(salt || salt_len == 0, "pbkdf2: salt is NULL and salt_len is not 0");
    REQUIRE(salt_len <= PTRDIFF_MAX && out_len <= PTRDIFF_MAX,
            "pbkdf2: a length is larger than an object can be");
    struct sprint_slot *from, *to;
    sprint_status status = begin(password, out, &from, &to);
    if (status != SPRINT_OK)
        return status;
    status = sprintgo_buffer_pbkdf2(to->index, from->index, hash, (void *)salt, salt_len,
                                    iterations, out_len, flags);
    return end(from, to, out_len, status, out);
}
