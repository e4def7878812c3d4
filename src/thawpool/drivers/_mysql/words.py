"""The words by which a statement is judged: what they say of the session that runs it.

A name is taken for what MySQL or MariaDB itself means by it: whoever gives one of these names to a stored
function of their own that changes the session is not understood.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CLEAN", "DROPPED", "HARMLESS", "NAMING"]


def _words(*texts: str) -> frozenset[str]:
    return frozenset(" ".join(texts).split())


#: First words of statements that leave nothing, or nothing that outlives their transaction.
CLEAN: Final = _words(
    """
    alter analyze begin check checksum commit create delete desc describe drop explain grant insert kill
    optimize release rename repair replace revoke rollback savepoint select show start table truncate
    update values with
    """
)

#: What may be dropped without the session noticing. A database may be the session's own.
DROPPED: Final = _words("event function index package procedure role sequence server table trigger user view")

#: Words after which a name is given or referred to, never called: INSERT INTO t (a, b).
NAMING: Final = _words(
    """
    as constraint delayed exists fulltext function ignore index insert into key low_priority procedure
    recursive references replace spatial table trigger unique view with
    """
)

#: The grammar's own words.
_SYNTAX: Final = """
    add against all and any as between binary both by case check collate column columns cross default desc
    distinct distinctrow div else end escape except exists first for foreign from fulltext group grouping
    hash having high_priority in index inner intersect into is join key last lateral leading left like limit
    linear list match member minus mod natural not of offset on or order outer over partition primary range
    regexp returning right rlike row rows select separator set some sounds spatial sql_big_result
    sql_buffer_result sql_cache sql_no_cache sql_small_result straight_join subpartition table than then to
    trailing union unique update using values when where window with xor
"""

#: Functions with a syntax of their own.
_SPECIAL: Final = """
    cast char convert extract get_format if insert interval json_table position replace substr substring
    trim values weight_string
"""

#: Types, with a length or values.
_TYPES: Final = """
    bigint binary bit blob bool boolean byte char character date datetime dec decimal double enum fixed
    float float4 float8 geometry int int1 int2 int3 int4 int8 integer json long longblob longtext mediumblob
    mediumint mediumtext national nchar number numeric nvarchar point precision raw real set signed smallint
    text time timestamp tinyblob tinyint tinytext unsigned varbinary varchar varchar2 varcharacter varying
    vector year
"""

_AGGREGATES: Final = """
    any_value avg bit_and bit_or bit_xor count cume_dist dense_rank first_value group_concat json_arrayagg
    json_objectagg lag last_value lead max median min nth_value ntile percent_rank percentile_cont
    percentile_disc rank row_number std stddev stddev_pop stddev_samp sum var_pop var_samp variance
"""

_FLOW: Final = """
    coalesce greatest ifnull isnull least nullif nvl nvl2
"""

_MATHS: Final = """
    abs acos asin atan atan2 bit_count ceil ceiling conv cos cot crc32 crc32c degrees exp floor ln log log10
    log2 mod pi pow power radians rand round sign sin sqrt tan truncate
"""

_STRINGS: Final = """
    aes_decrypt aes_encrypt ascii bin bit_length char_length character_length charset chr coercibility
    collation compress concat concat_ws decode elt encode encrypt export_set extractvalue field find_in_set
    format from_base64 hex instr kdf lcase left length lengthb locate lower lpad ltrim make_set md5 mid
    natural_sort_key oct octet_length old_password ord password quote random_bytes regexp_instr regexp_like
    regexp_replace regexp_substr repeat reverse right rpad rtrim sformat sha sha1 sha2 soundex space strcmp
    substring_index to_base64 to_char ucase uncompress uncompressed_length unhex updatexml upper
"""

_TIMES: Final = """
    add_months adddate addtime convert_tz curdate current_date current_time current_timestamp curtime date
    date_add date_format date_sub datediff day dayname dayofmonth dayofweek dayofyear from_days from_unixtime
    hour last_day localtime localtimestamp makedate maketime microsecond minute month monthname now period_add
    period_diff quarter sec_to_time second str_to_date subdate subtime sysdate time time_format time_to_sec
    timediff timestamp timestampadd timestampdiff to_days to_seconds unix_timestamp utc_date utc_time
    utc_timestamp week weekday weekofyear year yearweek
"""

_JSON: Final = """
    column_add column_check column_create column_delete column_exists column_get column_json column_list
    json_array json_array_append json_array_insert json_compact json_contains json_contains_path json_depth
    json_detailed json_equals json_exists json_extract json_insert json_keys json_length json_loose json_merge
    json_merge_patch json_merge_preserve json_normalize json_object json_overlaps json_pretty json_query
    json_quote json_remove json_replace json_schema_valid json_schema_validation_report json_search json_set
    json_storage_free json_storage_size json_type json_unquote json_valid json_value
"""

_PLACES: Final = """
    geometrycollection linestring multilinestring multipoint multipolygon point polygon st_area st_asbinary
    st_asgeojson st_astext st_boundary st_buffer st_centroid st_contains st_convexhull st_crosses
    st_difference st_dimension st_disjoint st_distance st_distance_sphere st_endpoint st_envelope st_equals
    st_exteriorring st_geohash st_geometryn st_geometrytype st_geomfromgeojson st_geomfromtext st_geomfromwkb
    st_interiorringn st_intersection st_intersects st_isclosed st_isempty st_issimple st_isvalid
    st_latfromgeohash st_latitude st_length st_linefromtext st_longfromgeohash st_longitude st_makeenvelope
    st_numgeometries st_numinteriorrings st_numpoints st_overlaps st_pointfromgeohash st_pointfromtext
    st_pointn st_polyfromtext st_simplify st_srid st_startpoint st_symdifference st_touches st_transform
    st_union st_validate st_within st_x st_y
"""

#: Addresses, and ids.
_VALUES: Final = """
    bin_to_uuid inet6_aton inet6_ntoa inet_aton inet_ntoa is_ipv4 is_ipv4_compat is_ipv4_mapped is_ipv6
    is_uuid sys_guid uuid uuid_short uuid_to_bin
"""

#: About the server and the session, which they only read.
_SYSTEM: Final = """
    benchmark connection_id current_role current_user database format_bytes format_pico_time found_rows
    gtid_subset gtid_subtract is_free_lock is_used_lock lastval load_file name_const ps_current_thread_id
    ps_thread_id row_count schema session_user sleep statement_digest statement_digest_text system_user user
    version
"""

#: What may stand before a parenthesis without anything happening to the session.
HARMLESS: Final = _words(
    _SYNTAX,
    _SPECIAL,
    _TYPES,
    _AGGREGATES,
    _FLOW,
    _MATHS,
    _STRINGS,
    _TIMES,
    _JSON,
    _PLACES,
    _VALUES,
    _SYSTEM,
)
