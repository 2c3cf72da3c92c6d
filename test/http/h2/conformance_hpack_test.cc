// RFC 7541: what a decoder must take, and what it must refuse with COMPRESSION_ERROR (RFC 9113 4.3).
#include "test/http/h2/conformance.h"

namespace nuncio::http::h2 {
namespace {

// `:method: GET`, `:scheme: http`, `:path: /` out of the static table, and an authority.
const std::string kIndexed = "\x82\x86\x84";
std::string Authority() { return std::string("\x41\x0b", 2) + "example.com"; }

std::string Block1(const std::string& block) { return Frame(NGHTTP2_HEADERS, kEnds, 1, block); }
Case Good(std::string name, const std::string& more) {
  return Alive(std::move(name), Block1(kIndexed + Authority() + more));
}
Case Bad(std::string name, const std::string& more) {
  return ConnectionError(std::move(name), Block1(kIndexed + Authority() + more), NGHTTP2_COMPRESSION_ERROR);
}

std::vector<Case> Cases() {
  const std::string new_name = std::string("\x05", 1) + "x-foo" + std::string("\x03", 1) + "bar";
  return {
      Good("s6_1_indexed__generic_5_1", "\x90"),
      Good("s6_2_1_incremental_indexed_name__generic_5_2", std::string("\x7a\x04", 2) + "test"),
      Good("s6_2_1_incremental_indexed_name_huffman__generic_5_3", std::string("\x7a\x83\x49\x50\x9f", 5)),
      Good("s6_2_1_incremental_new_name__generic_5_4", "\x40" + new_name),
      Good("s6_2_1_incremental_new_name_huffman__generic_5_5",
           "\x40" + std::string("\x83\x49\x50\x9f\x83\x49\x50\x9f", 8)),
      Good("s6_2_2_without_indexing_indexed_name__generic_5_6", std::string("\x0f\x2b\x04", 3) + "test"),
      Good("s6_2_2_without_indexing_indexed_name_huffman__generic_5_7", std::string("\x0f\x2b\x83\x49\x50\x9f", 6)),
      Good("s6_2_2_without_indexing_new_name__generic_5_8", std::string(1, '\0') + new_name),
      Good("s6_2_2_without_indexing_new_name_huffman__generic_5_9",
           std::string(1, '\0') + std::string("\x83\x49\x50\x9f\x83\x49\x50\x9f", 8)),
      Good("s6_2_3_never_indexed_indexed_name__generic_5_10", std::string("\x1f\x2b\x04", 3) + "test"),
      Good("s6_2_3_never_indexed_indexed_name_huffman__generic_5_11", std::string("\x1f\x2b\x83\x49\x50\x9f", 6)),
      Good("s6_2_3_never_indexed_new_name__generic_5_12", "\x10" + new_name),
      Good("s6_2_3_never_indexed_new_name_huffman__generic_5_13",
           "\x10" + std::string("\x83\x49\x50\x9f\x83\x49\x50\x9f", 8)),
      Alive("s6_3_size_update__generic_5_14", Block1(Integer(0, 5, 0x20) + kIndexed + Authority())),
      Alive("s6_3_two_size_updates__generic_5_15",
            Block1(Integer(0, 5, 0x20) + Integer(4096, 5, 0x20) + kIndexed + Authority())),
      Alive("s4_4_an_entry_larger_than_the_table_empties_it",
            Block1(kIndexed + Authority() + "\x40" + Integer(1, 7, 0) + "x" + Integer(5000, 7, 0) +
                   std::string(5000, 'v'))),
      // An entry of the dynamic table, in this block and the next.
      Alive("s2_3_2_dynamic_entries_last", Block1(kIndexed + Authority() + "\x40" + new_name + "\xbe") +
                                               Frame(NGHTTP2_HEADERS, kEnds, 3, kIndexed + Authority() + "\xbf")),
      Bad("s2_3_3_index_out_of_range__hpack_2_3_3_1", Integer(70, 7, 0x80)),
      Bad("s2_3_3_name_index_out_of_range__hpack_2_3_3_2", Integer(70, 6, 0x40) + std::string("\x03", 1) + "foo"),
      Bad("s4_2_size_update_at_the_end__hpack_4_2_1", Integer(0, 5, 0x20)),
      Bad("s4_2_size_update_within", Integer(0, 5, 0x20) + "\x90"),
      Bad("s4_3_an_entry_that_was_evicted", "\x40" + Integer(1, 7, 0) + "x" + Integer(4000, 7, 0) +
                                                std::string(4000, 'v') + "\x40" + Integer(1, 7, 0) + "y" +
                                                Integer(4000, 7, 0) + std::string(4000, 'w') + Integer(63, 7, 0x80)),
      Bad("s5_1_integer_overflow", std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11)),
      Bad("s5_1_integer_cut", "\xff"),
      Bad("s5_2_string_cut", std::string(1, '\0') + Integer(5, 7, 0) + "x-f"),
      Bad("s5_2_huffman_padding_too_long__hpack_5_2_1", std::string(1, '\0') + Integer(6, 7, 0) + "x-test" +
                                                            Integer(4, 7, 0x80) + std::string("\x49\x50\x9f\xff", 4)),
      Bad("s5_2_huffman_padding_of_zeros__hpack_5_2_2",
          std::string(1, '\0') + Integer(6, 7, 0) + "x-test" + Integer(3, 7, 0x80) + std::string("\x49\x50\x90", 3)),
      Bad("s5_2_huffman_eos__hpack_5_2_3", std::string(1, '\0') + Integer(6, 7, 0) + "x-test" + Integer(4, 7, 0x80) +
                                               std::string("\xff\xff\xff\xff", 4)),
      Bad("s6_1_index_0__hpack_6_1_1", "\x80"),
      ConnectionError("s6_3_size_update_above_the_limit__hpack_6_3_1",
                      Block1(Integer(4097, 5, 0x20) + kIndexed + Authority()), NGHTTP2_COMPRESSION_ERROR),
      // The state goes on through blocks of streams that were refused as malformed.
      StreamError("s2_2_a_malformed_block_still_counts",
                  Block1(kIndexed + "\x40" + Integer(1, 7, 0) + "X" + Integer(1, 7, 0) + "y" + "\x40" + new_name) +
                      Frame(NGHTTP2_HEADERS, kEnds, 3, kIndexed + Authority() + "\xbf"),
                  NGHTTP2_PROTOCOL_ERROR),
  };
}
NUNCIO_CONFORMANCE(Rfc7541, Cases());

class HpackTest : public ServerFixture {};

TEST_F(HpackTest, TheTableIsAsLargeAsTheOptionsSay) {
  H2Options options;
  options.hpack_table_size = 0;
  Start(options);
  // Indexing into a table of nothing keeps nothing.
  const std::string block = Integer(0, 5, 0x20) + kIndexed + Authority() + "\x40" + Integer(1, 7, 0) + "x" +
                            Integer(1, 7, 0) + "y";
  ASSERT_TRUE(Feed(Frame(NGHTTP2_HEADERS, kEnds, 1, block)));
  EXPECT_EQ(request(0).Header("x"), "y");
  EXPECT_FALSE(Feed(Frame(NGHTTP2_HEADERS, kEnds, 3, kIndexed + "\xbe")));
  ExpectConnectionError(NGHTTP2_COMPRESSION_ERROR);
}

TEST_F(HpackTest, HuffmanAndPlainTextAreTheSame) {
  Start();
  ASSERT_TRUE(Feed(Block1(kIndexed + Authority() + std::string("\x40\x83\x49\x50\x9f\x83\x49\x50\x9f", 9))));
  EXPECT_EQ(request(0).Header("test"), "test");
}

}  // namespace
}  // namespace nuncio::http::h2
