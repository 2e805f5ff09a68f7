/* sprint::Buffer and its borrows. */
#include <type_traits>

#include "check.hpp"

using sprint::Buffer;

template <class T> static constexpr bool moves_only() {
    return !std::is_copy_constructible<T>::value && !std::is_copy_assignable<T>::value &&
           std::is_nothrow_move_constructible<T>::value &&
           std::is_nothrow_move_assignable<T>::value;
}
static_assert(moves_only<Buffer>() && moves_only<sprint::Config>() && moves_only<sprint::Pool>() &&
                  moves_only<sprint::Conn>() && moves_only<sprint::ReadBorrow>() &&
                  moves_only<sprint::WriteBorrow>(),
              "owners move and are not copied");

TEST(a_moved_buffer_leaves_handle_0_behind) {
    Buffer a = Buffer::alloc(16);
    sprint_buffer handle = a.get();
    Buffer b = std::move(a);
    CHECK(b.get() == handle && a.get() == 0 && !a && b);
    CHECK(b.size() == 16);
    CHECK_THROWS(SPRINT_E_HANDLE, "SPRINT_E_HANDLE: ", a.size());
}

TEST(assigning_a_buffer_frees_the_old_one) {
    Buffer a = Buffer::alloc(16), b = Buffer::alloc(32);
    Buffer old(a.get());
    a = std::move(b);
    CHECK(a.size() == 32);
    size_t len;
    CHECK_STATUS(SPRINT_E_HANDLE, old.size(std::nothrow, &len));
}

TEST(a_buffer_that_leaves_its_scope_is_freed) {
    uint64_t before = sprint::memory_stats().buffers;
    {
        Buffer a = Buffer::random(64);
        CHECK(sprint::memory_stats().buffers == before + 1);
    }
    CHECK(sprint::memory_stats().buffers == before);
}

TEST(a_detached_handle_is_the_callers) {
    uint64_t before = sprint::memory_stats().buffers;
    sprint_buffer handle;
    {
        Buffer a = Buffer::alloc(16);
        handle = a.detach();
    }
    CHECK(sprint::memory_stats().buffers == before + 1);
    Buffer owner(handle);
    CHECK(owner.size() == 16);
}

TEST(from_wipes_its_source) {
    unsigned char source[32], copy[32], zeros[32] = {0};
    std::memset(source, 0x5a, sizeof source);
    Buffer a = Buffer::from(source, sizeof source);
    CHECK(std::memcmp(source, zeros, sizeof source) == 0);
    a.read(0, copy, sizeof copy);
    CHECK(copy[0] == 0x5a && copy[31] == 0x5a);
    sprint::wipe(copy, sizeof copy);
    CHECK(std::memcmp(copy, zeros, sizeof copy) == 0);
}

TEST(what_is_written_is_read) {
    Buffer a = Buffer::alloc(8);
    a.write(2, "abc", 3);
    char seen[8];
    a.read(0, seen, sizeof seen);
    CHECK(std::memcmp(seen, "\0\0abc\0\0\0", 8) == 0);
    CHECK_THROWS(SPRINT_E_ARG, "", a.write(6, "abc", 3));
}

TEST(readers_share_and_keep_writers_out) {
    Buffer a = Buffer::alloc(16);
    {
        sprint::ReadBorrow first = a.open();
        sprint::ReadBorrow second = a.open();
        CHECK(first.data() != nullptr && first.size() == 16 && second.size() == 16);
        sprint::WriteBorrow writer;
        CHECK_STATUS(SPRINT_E_STATE, a.open_write(std::nothrow, &writer));
        CHECK(!writer && writer.data() == nullptr && writer.size() == 0);
    }
    CHECK(a.open_write().size() == 16);
}

TEST(a_writer_is_alone) {
    Buffer a = Buffer::alloc(16);
    {
        sprint::WriteBorrow writer = a.open_write();
        std::memset(writer.data(), 7, writer.size());
        CHECK_THROWS(SPRINT_E_STATE, "", a.open());
        CHECK_THROWS(SPRINT_E_STATE, "", a.open_write());
    }
    unsigned sum = 0;
    sprint::ReadBorrow reader = a.open();
    for (unsigned char byte : reader)
        sum += byte;
    CHECK(sum == 7 * 16);
}

TEST(a_borrow_ends_once) {
    Buffer a = Buffer::alloc(16);
    sprint::WriteBorrow writer = a.open_write();
    sprint::WriteBorrow moved = std::move(writer);
    CHECK(writer.data() == nullptr && moved.data() != nullptr);
    moved.close();
    CHECK(moved.data() == nullptr);
    CHECK_THROWS(SPRINT_E_HANDLE, "", moved.close());
    CHECK(a.open().size() == 16);
}

TEST(a_borrow_outlives_its_buffer) {
    uint64_t before = sprint::memory_stats().buffers;
    sprint::ReadBorrow reader;
    {
        Buffer a = Buffer::alloc(16);
        a.write(0, "outlives", 8);
        reader = a.open();
    }
    size_t len;
    CHECK_STATUS(SPRINT_E_HANDLE, Buffer(reader.get()).size(std::nothrow, &len));
    CHECK(std::memcmp(reader.data(), "outlives", 8) == 0);
    reader.close();
    CHECK(sprint::memory_stats().buffers == before);
}

TEST(hmac_gives_the_tag_of_rfc_4231_case_2) {
    static const unsigned char wanted[32] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                             0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
                                             0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
                                             0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
    char secret[] = {'J', 'e', 'f', 'e'};
    unsigned char mac[64];
    Buffer key = Buffer::from(secret, sizeof secret);
    const char message[] = "what do ya want for nothing?";
    CHECK(key.hmac(SPRINT_HASH_SHA256, message, sizeof message - 1, mac, sizeof mac) == 32);
    CHECK(std::memcmp(mac, wanted, sizeof wanted) == 0);
    CHECK(key.hmac(SPRINT_HASH_SHA512, message, sizeof message - 1, mac, sizeof mac) == 64);
    CHECK_THROWS(SPRINT_E_RANGE, "", key.hmac(SPRINT_HASH_SHA256, message, 1, mac, 31));
}

TEST(equal_compares_content_and_length) {
    Buffer a = Buffer::alloc(16), b = Buffer::alloc(16), longer = Buffer::alloc(17);
    CHECK(a.equal(b) && a.equal(a) && !a.equal(longer));
    b.write(15, "x", 1);
    CHECK(!a.equal(b));
}

TEST(an_error_carries_code_name_and_text) {
    try {
        Buffer::alloc(0);
        CHECK(false);
    } catch (const sprint::error &thrown) {
        CHECK(thrown.code() == SPRINT_E_ARG);
        CHECK(thrown.what() == "SPRINT_E_ARG: " + sprint::last_error());
        CHECK(!sprint::last_error().empty());
    }
}

TEST(the_nothrow_form_reports_and_empties_its_output) {
    Buffer a = Buffer::alloc(16);
    CHECK_STATUS(SPRINT_E_ARG, Buffer::alloc(std::nothrow, 0, SPRINT_BUFFER_DEFAULT, &a));
    CHECK(!a);
    CHECK_STATUS(SPRINT_OK, Buffer::random(std::nothrow, 8, SPRINT_BUFFER_DEFAULT, &a));
    CHECK(a.size() == 8);
}
