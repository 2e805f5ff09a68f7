/* sprint::Buffer as a key: published answers, what is refused, sealing and lifetimes. */
#include "check.hpp"
#include "wait.hpp"

using sprint::Buffer;

using Bytes = std::vector<unsigned char>;

static Bytes unhex(const char *text) {
    Bytes bytes;
    for (unsigned byte; std::sscanf(text, "%2x", &byte) == 1; text += 2)
        bytes.push_back(static_cast<unsigned char>(byte));
    return bytes;
}

static Buffer buffer_of(Bytes bytes) {
    return Buffer::from(bytes.data(), bytes.size());
}

static Bytes content(const Buffer &buffer) {
    sprint::ReadBorrow borrow = buffer.open();
    return Bytes(borrow.begin(), borrow.end());
}

TEST(ed25519_gives_the_key_and_the_signature_of_rfc_8032_test_1) {
    Buffer seed =
        buffer_of(unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
    Bytes key(32), signature(64);
    seed.public_ed25519(key.data());
    CHECK(key == unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
    seed.sign_ed25519(nullptr, 0, signature.data());
    CHECK(signature == unhex("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
                             "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"));
    CHECK_THROWS(SPRINT_E_CRYPTO, "", Buffer::alloc(31).public_ed25519(key.data()));
    CHECK_THROWS(SPRINT_E_CRYPTO, "", Buffer::alloc(33).sign_ed25519("x", 1, signature.data()));
}

/* McGrew and Viega, The Galois/Counter Mode of Operation, test case 16. */
TEST(decrypt_opens_the_message_of_gcm_test_case_16) {
    Buffer key =
        buffer_of(unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"));
    const Bytes aad = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    const Bytes sealed = unhex("cafebabefacedbaddecaf888"
                               "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                               "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                               "76fc6ece0f4e1768cddf8853bb2d551b");
    Buffer plain = key.decrypt(aad.data(), aad.size(), sealed.data(), sealed.size());
    CHECK(content(plain) == unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                                  "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"));
}

TEST(what_is_encrypted_is_decrypted_with_the_same_additional_data_only) {
    Buffer key = Buffer::random(32);
    unsigned char sealed[64], again[64];
    CHECK(key.encrypt("to", 2, "message", 7, sealed, sizeof sealed) == 7 + 28);
    CHECK(key.encrypt("to", 2, "message", 7, again, sizeof again) == 35);
    CHECK(std::memcmp(sealed, again, 12) != 0); /* a nonce is used once */
    const char *message = "message";
    CHECK(content(key.decrypt("to", 2, sealed, 35)) == Bytes(message, message + 7));
    CHECK_THROWS(SPRINT_E_CRYPTO, "", key.decrypt("from", 4, sealed, 35));
    CHECK_THROWS(SPRINT_E_CRYPTO, "", key.decrypt(nullptr, 0, sealed, 35));
    CHECK_THROWS(SPRINT_E_CRYPTO, "", Buffer::random(32).decrypt("to", 2, sealed, 35));
    sealed[34] ^= 1;
    CHECK_THROWS(SPRINT_E_CRYPTO, "", key.decrypt("to", 2, sealed, 35));
    CHECK_THROWS(SPRINT_E_CRYPTO, "", key.decrypt("to", 2, sealed, 28));
}

TEST(encrypt_says_how_much_room_it_needs) {
    Buffer key = Buffer::random(32), bad = Buffer::random(31);
    unsigned char out[35];
    size_t n = 0;
    CHECK_STATUS(SPRINT_E_RANGE,
                 key.encrypt(std::nothrow, nullptr, 0, "message", 7, out, sizeof out - 1, &n));
    CHECK(n == sizeof out);
    CHECK(key.encrypt(nullptr, 0, nullptr, 0, out, sizeof out) == 28);
    CHECK_THROWS(SPRINT_E_CRYPTO, "", bad.encrypt(nullptr, 0, "message", 7, out, sizeof out));
}

TEST(hkdf_gives_the_key_of_rfc_5869_case_1) {
    Buffer key = buffer_of(Bytes(22, 0x0b));
    const Bytes salt = unhex("000102030405060708090a0b0c"), info = unhex("f0f1f2f3f4f5f6f7f8f9");
    Buffer derived =
        key.hkdf(SPRINT_HASH_SHA256, salt.data(), salt.size(), info.data(), info.size(), 42);
    CHECK(content(derived) == unhex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c"
                                    "5bf34007208d5b887185865"));
    CHECK_THROWS(SPRINT_E_ARG, "", key.hkdf(SPRINT_HASH_SHA256, nullptr, 0, nullptr, 0, 0));
    CHECK_THROWS(SPRINT_E_ARG, "",
                 key.hkdf(SPRINT_HASH_SHA256, nullptr, 0, nullptr, 0, 255 * 32 + 1));
    CHECK_THROWS(SPRINT_E_UNSUPPORTED, "", key.hkdf(9, nullptr, 0, nullptr, 0, 32));
}

/* openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt pass:password
 *   -kdfopt salt:sixteen-byte-salt -kdfopt iter:100000 PBKDF2 */
TEST(pbkdf2_gives_the_key_that_openssl_does) {
    Buffer password = buffer_of({'p', 'a', 's', 's', 'w', 'o', 'r', 'd'});
    Buffer derived = password.pbkdf2(SPRINT_HASH_SHA256, "sixteen-byte-salt", 17, 100000, 32);
    CHECK(content(derived) ==
          unhex("4f4150f34db8355c5f874a2596bee114cdf4b93ff5d90dc9fce0095106c13910"));
}

TEST(pbkdf2_has_floors) {
    Buffer password = Buffer::random(8);
    CHECK_THROWS(SPRINT_E_ARG, "",
                 password.pbkdf2(SPRINT_HASH_SHA256, "short-by-1-byte", 15, 100000, 32));
    CHECK_THROWS(SPRINT_E_ARG, "",
                 password.pbkdf2(SPRINT_HASH_SHA256, "sixteen-byte-salt", 17, 99999, 32));
}

TEST(a_derived_buffer_has_the_flags_it_was_given) {
    Buffer key = Buffer::random(32);
    const uint32_t all = SPRINT_BUFFER_FAST | SPRINT_BUFFER_NOACCESS | SPRINT_BUFFER_DEGRADE;
    for (uint32_t flags = 0; flags <= all; flags++) {
        CHECK(key.hkdf(SPRINT_HASH_SHA512, nullptr, 0, nullptr, 0, 16, flags).size() == 16);
        CHECK(Buffer::random(16, flags).equal(Buffer::alloc(16, flags)) == false);
    }
    const uint32_t unknown = all + 1;
    CHECK_THROWS(SPRINT_E_UNSUPPORTED, "", Buffer::alloc(16, unknown));
    CHECK_THROWS(SPRINT_E_UNSUPPORTED, "",
                 key.hkdf(SPRINT_HASH_SHA512, nullptr, 0, nullptr, 0, 16, unknown));
}

TEST(a_sealed_buffer_comes_back_when_it_is_used) {
    Buffer buffer = buffer_of({'s', 'e', 'a', 'l', 'e', 'd'});
    const uint64_t before = sprint::memory_stats().sealed;
    {
        sprint::ReadBorrow reader = buffer.open();
        CHECK_THROWS(SPRINT_E_STATE, "", buffer.seal());
    }
    buffer.seal();
    buffer.seal();
    CHECK(sprint::memory_stats().sealed == before + 1);
    const char *word = "sealed";
    CHECK(content(buffer) == Bytes(word, word + 6));
    CHECK(sprint::memory_stats().sealed == before);
}

TEST(an_expired_secret_is_gone_for_every_use) {
    Buffer buffer = Buffer::random(32);
    CHECK_THROWS(SPRINT_E_ARG, "", buffer.expire_after(0));
    buffer.expire_after(60000);
    unsigned char byte;
    buffer.read(0, &byte, 1);
    buffer.expire_after(1);
    wait_until([&] { return buffer.read(std::nothrow, 0, &byte, 1) == SPRINT_E_EXPIRED; });
    unsigned char out[64];
    CHECK_THROWS(SPRINT_E_EXPIRED, "", buffer.open());
    CHECK_THROWS(SPRINT_E_EXPIRED, "", buffer.seal());
    CHECK_THROWS(SPRINT_E_EXPIRED, "", buffer.expire_after(60000));
    CHECK_THROWS(SPRINT_E_EXPIRED, "", buffer.sign_ed25519("x", 1, out));
    CHECK_THROWS(SPRINT_E_EXPIRED, "", buffer.encrypt(nullptr, 0, "x", 1, out, sizeof out));
    CHECK_THROWS(SPRINT_E_EXPIRED, "", buffer.hkdf(SPRINT_HASH_SHA256, nullptr, 0, nullptr, 0, 32));
}

TEST(a_lifetime_that_is_over_leaves_the_open_borrow_its_memory) {
    Buffer buffer = buffer_of({'h', 'e', 'l', 'd'});
    sprint::ReadBorrow reader = buffer.open();
    buffer.expire_after(1);
    unsigned char byte;
    wait_until([&] { return buffer.read(std::nothrow, 0, &byte, 1) == SPRINT_E_EXPIRED; });
    CHECK(std::memcmp(reader.data(), "held", 4) == 0);
}
